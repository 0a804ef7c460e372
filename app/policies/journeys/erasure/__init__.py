"""A person is erased: by themselves, or by the operator after the residence has ended."""
