"""What follows in the medication plan from what clinics prescribe."""
