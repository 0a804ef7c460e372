"""The daily question whether somebody is all right, and what happens when no answer comes."""
