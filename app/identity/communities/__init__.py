"""The places Hearthline serves: their calendar, languages, numbers and the app's configuration."""
