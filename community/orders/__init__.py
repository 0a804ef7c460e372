"""Orders of help at home: from a quote to a placed order, to somebody at the door, to what is paid."""
