from sightkit.apps.deploy.export_flags import ExportFlags as ExportFlags
from sightkit.apps.deploy.exported_folder import export_bundle as export_bundle
from sightkit.apps.deploy.exported_folder import load_exported as load_exported
from sightkit.apps.deploy.exported_folder import summary as summary
from sightkit.apps.deploy.hub_client import require_repository as require_repository
from sightkit.apps.deploy.hub_pull import pull_bundle as pull_bundle
from sightkit.apps.deploy.hub_push import push_bundle as push_bundle
from sightkit.apps.deploy.hub_push import write_repository as write_repository
