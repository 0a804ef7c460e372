"""The page of a video visit: for whoever enters by a link, in any browser."""
