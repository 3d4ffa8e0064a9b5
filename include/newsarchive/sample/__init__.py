"""Two newspapers written for this project, a server that shows them, and what is right of them."""
