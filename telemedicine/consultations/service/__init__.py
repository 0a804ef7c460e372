"""The use cases of video visits."""
