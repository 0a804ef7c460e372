"""Support looks on as somebody: for half an hour, with a reason they are told, and unable to do anything."""
