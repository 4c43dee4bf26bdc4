"""Which roles and teams does the sandbox's installation have?"""

from typing import Literal

Role = Literal["user", "agent", "admin"]

#: Role alias to the id shown beside it.
ROLE_IDS: dict[Role, int] = {"user": 1, "agent": 2, "admin": 3}

#: Team id to name; 0 stands for "no team" and is not in here.
TEAMS: dict[int, str] = {1: "Support", 2: "Sales", 3: "Development", 4: "Back Office"}

#: Where the installation believes it lives; shown in links, never fetched.
SITE = "https://sandbox.example"
