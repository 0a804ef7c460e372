"""Tickets: several slots bought in one go or not at all, paid for, changed, given back, called off, admitted once."""
