"""The pages of companies that help at home."""
