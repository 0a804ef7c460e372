"""Who cannot come to care visits is not sent to help at home either."""
