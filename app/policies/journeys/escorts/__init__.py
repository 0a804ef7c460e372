"""An appointment at a clinic and somebody who brings the resident there and back: both, or neither."""
