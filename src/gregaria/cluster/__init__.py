"""Many processes, one test: master and workers, and the link between them."""
