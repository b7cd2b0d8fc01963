from sightkit.apps.deploy.hub_client import require_repository as require_repository
from sightkit.apps.deploy.hub_pull import pull_bundle as pull_bundle
from sightkit.apps.deploy.hub_push import push_bundle as push_bundle
from sightkit.apps.deploy.hub_push import write_repository as write_repository
