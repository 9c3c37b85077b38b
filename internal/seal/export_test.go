package seal

// IDs returns the ids of all keys that the ring knows.
func (k *Keyring) IDs() []uint32 { return k.present().ids }
