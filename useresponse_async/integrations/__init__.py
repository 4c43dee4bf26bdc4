"""Where does the client meet other frameworks? One file for each, loaded only when it is asked for.

- :mod:`~useresponse_async.integrations.fastapi`: one client per application, problem answers,
  NDJSON. Extra ``fastapi``.

The models are pydantic types wherever pydantic 2 meets them, which needs no import.
"""
