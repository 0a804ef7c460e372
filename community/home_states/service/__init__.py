"""What is done with the states of a home's devices: reports are taken, time passes, hours are summed up."""
