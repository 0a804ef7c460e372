"""Delegated proxies: who acts for a resident who cannot decide alone, on which legal basis, checked by the operator."""
