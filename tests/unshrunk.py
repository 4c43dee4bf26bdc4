"""A plugin for the mutation check: a failing example of hypothesis is not made smaller."""

from hypothesis import Phase, settings

settings.register_profile("unshrunk", phases=[Phase.explicit, Phase.generate], database=None)
settings.load_profile("unshrunk")
