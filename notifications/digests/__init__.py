"""Messages that wait: held until quiet hours, a digest period or a cap is over, then told as one."""
