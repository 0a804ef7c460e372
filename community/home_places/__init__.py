"""Where in a home something was noticed, for those who come: the room, in words of ours."""
