"""The local cluster does what the tests that stand on it take for granted."""

from kubernetes.aio.client import ApiClient, CoreV1Api


async def test_the_api_server_is_a_real_one(api: ApiClient, namespace: str) -> None:
    pods = await CoreV1Api(api).list_namespaced_pod(namespace, _request_timeout=5)
    assert pods.items == []
