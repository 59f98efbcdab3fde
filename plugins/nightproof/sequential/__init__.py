"""Sequential evidence: what nights in a row say of harm, when nights differ by themselves."""
