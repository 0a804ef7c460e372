"""What is shown of trips: the trips themselves, who goes along, and who is to be counted."""
