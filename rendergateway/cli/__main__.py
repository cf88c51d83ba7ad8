"""``python -m rendergateway.cli``."""

from rendergateway.cli import main

main()
