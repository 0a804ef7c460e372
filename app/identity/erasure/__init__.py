"""The erasure of a person: what names them is gone, what the law wants kept names nobody."""
