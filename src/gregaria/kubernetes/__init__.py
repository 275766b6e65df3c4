"""One test on a Kubernetes cluster, begun and ended by a command: ``gregaria kubernetes``."""
