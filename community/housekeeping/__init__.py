"""Help at home: what a community's providers do, for how much, and for whom."""
