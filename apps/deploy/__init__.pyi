from sightkit.apps.deploy.export_flags import ExportFlags as ExportFlags
from sightkit.apps.deploy.exported_folder import export_bundle as export_bundle
from sightkit.apps.deploy.exported_folder import load_exported as load_exported
from sightkit.apps.deploy.exported_folder import summary as summary
