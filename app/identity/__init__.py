"""Who is who: communities, people, organizations, sign-in, consent."""
