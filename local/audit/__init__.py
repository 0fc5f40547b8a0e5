"""`make audit`: known vulnerabilities, licences and bills of materials, by pip-audit, npm and others."""
