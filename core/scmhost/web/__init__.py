"""Pages for people: thin views over the use cases that the API calls too."""
