package pipedrive

import (
	"slices"

	"salesbook.dev/connectors"
)

// unique keeps the last of pairs with one key, where the first stood, as JSON
// parsers do. Keys hardly ever repeat, so a small filter looks first.
func unique(pairs []connectors.Pair) []connectors.Pair {
	var seen [1 << hashBits / 64]uint64
	for i := 0; i < len(pairs); i++ {
		h := keyHash(pairs[i].Key)
		if seen[h/64]&(1<<(h%64)) != 0 {
			if first := lookup(pairs[:i], pairs[i].Key); first != nil {
				*first = pairs[i].Value
				pairs = slices.Delete(pairs, i, i+1)
				i--
			}
		}
		seen[h/64] |= 1 << (h % 64)
	}
	return pairs
}

// hashBits is the size of a key's hash: ten bits for some sixty keys.
const hashBits = 10

// keyHash spreads keys by their first and last eight bytes, in which all keys
// of the vendor differ.
func keyHash(key string) uint64 {
	const odd1, odd2 = 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f
	n := len(key)
	if n < 8 {
		h := uint64(n)
		for i := range n {
			h = h<<8 | uint64(key[i])
		}
		return h * odd1 >> (64 - hashBits)
	}
	return (eight(key)*odd1 ^ eight(key[n-8:])*odd2) >> (64 - hashBits)
}

// eight is the first eight bytes of s, which the compiler loads at once.
func eight(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
