"""``python -m rendergateway.cli``."""

from rendergateway_command import main

main()
