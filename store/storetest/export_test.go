package storetest

import (
	"slices"

	"github.com/jotkeeper/jotkeeper/store"
)

// Broken runs one promise and returns how it was broken.
func Broken(name string, b store.Backend, set store.Set) error {
	all := slices.Concat(accountPromises, keyPromises, oneTimePromises, sessionPromises, keeperPromises, revocationPromises, togetherPromises)
	i := slices.IndexFunc(all, func(p promise) bool { return p.name == name })
	return all[i].broken(&check{backend: b, set: set})
}

// Promises returns the name and the sentence of every promise.
func Promises() map[string]string {
	sentences := map[string]string{}
	for _, p := range slices.Concat(accountPromises, keyPromises, oneTimePromises, sessionPromises, keeperPromises, revocationPromises, togetherPromises) {
		sentences[p.name] = p.sentence
	}
	return sentences
}
