"""Errors of the local cluster: each message is a sentence a person can act on."""


class ClusterError(Exception):
    """The cluster could not be started, stopped or asked; the message says which part and why."""


class NotHere(ClusterError):
    """The cluster in use has no such part (it is somebody else's, named by ES_TEST_KUBECONFIG)."""
