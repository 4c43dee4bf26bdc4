"""Integrations with other libraries. None is loaded before it is imported.

- :mod:`~useresponse_async.integrations.dlt`: a source that loads a site's data into a warehouse
  or a lake, incrementally. Extra ``dlt``.
- :mod:`~useresponse_async.integrations.fastapi`: one client per application, problem responses,
  NDJSON. Extra ``fastapi``.

The models are pydantic types wherever pydantic 2 is installed, without any import.
"""
