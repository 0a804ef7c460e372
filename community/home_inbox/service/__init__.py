"""What is done with homes' messages: what they mean is kept at hand, batches are stored, others hear of changes."""
