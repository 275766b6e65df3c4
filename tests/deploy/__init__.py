"""Image, compose file, manifests and chart, as far as they can be tried without a container engine or a cluster."""
