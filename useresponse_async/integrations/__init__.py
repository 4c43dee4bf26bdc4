"""Where does the client meet other frameworks? One file for each, loaded only when it is asked for.

- :mod:`~useresponse_async.integrations.dlt`: a source that loads an installation into a warehouse
  or a lake, incrementally. Extra ``dlt``.
- :mod:`~useresponse_async.integrations.fastapi`: one client per application, problem answers,
  NDJSON. Extra ``fastapi``.

The models are pydantic types wherever pydantic 2 meets them, which needs no import.
"""
