"""Who helps at home may be the first to see that somebody is not well."""
