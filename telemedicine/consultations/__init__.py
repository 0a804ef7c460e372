"""The video visit: a room with a waiting room, signalling between those in it, and what is written afterwards."""
