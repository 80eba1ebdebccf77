// Package measure lets contenders run in turns and tells what each of them cost.
//
// What disturbs the machine then disturbs all of them. The unit is CPU time of
// the process, garbage collection included: the wall clock of a shared machine
// says nothing. Every figure is shown as the median of its rounds with the
// smallest and the largest, and a ratio is taken within a round.
package measure
