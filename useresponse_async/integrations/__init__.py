"""Where does the client meet other frameworks? One file for each, loaded only when it is asked for.

- :mod:`~useresponse_async.integrations.fastapi`: one client per application, problem answers,
  NDJSON. Extra ``fastapi``.
- :mod:`~useresponse_async.integrations.pydantic`: the models as pydantic types, which needs no
  import: they work wherever pydantic 2 meets them.
"""
