// Package shellblock runs the console blocks of a document as a test.
//
// A document that shows commands with their output is a promise. RunFile
// types the commands into a real bash and compares what comes back:
//
//	```console
//	$ ID=$(curl -s 127.0.0.1:8080/accounts \
//	>   -d username=ann)                       # two spaces begin a comment
//	$ echo "$ID"
//	{"id":"…"}
//	```
//
// A line that begins with "$ " is a command, the "> " lines directly below
// continue it, and everything else is what it prints, standard output and
// standard error together. "…" stands for what varies: within a line for any
// run of characters, alone on a line for any number of lines. White space at
// the end of lines and empty lines at the end of the output do not count.
//
// A command must succeed, unless its last line is "exit status N"; then it
// must end with N. This is the line that go run prints by itself.
//
// All blocks of one document share one terminal: variables and the working
// directory carry over. A comment above a block changes how it is run:
//
//	<!-- shellblock: background -->
//	<!-- shellblock: skip reason="needs a mail server" -->
//
// A background block gets a terminal of its own. Its last command does not
// end; the document goes on once the lines below it have been printed, and
// the command is stopped when the document ends. A skip is counted and
// printed with its reason.
//
// A block marked sh, bash or shell is an error: nobody would run it. CompileGo
// does the same service for the Go programs of a document, Quotes for the parts
// of a program that it quotes.
//
// It refuses to pass a block that it did not run without saying so, and to try
// one a second time.
package shellblock
