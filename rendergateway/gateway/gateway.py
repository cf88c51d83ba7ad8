"""The gateway: one object that knows a service and hands out all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rendergateway.configuration import Configuration, configured
from rendergateway.endpoints.address import Address
from rendergateway.gateway.making import StackMaking
from rendergateway.transport import Credentials, Retries, Settings
from rendergateway.transport.client import ServiceCalls
from rendergateway.version import __version__
from rendergateway.wrappers import GATEWAY_ALIASES, Registry, add_aliases
from rendergateway.wrappers.core.keys import CollectionKey
from rendergateway.wrappers.core.space import LivingObjects
from rendergateway.wrappers.core.templates import changes_data

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.model import RenderParameters
    from rendergateway.wrappers.images.picture import Picture

__all__ = ["Gateway"]


class Gateway(StackMaking):
    """
    The way to one service and to the objects in it.

    Parameters
    ----------
    address : str, optional
        ``host:port``, a URL, ``embedded:PATH`` for a service in a file, ``embedded:`` for one that goes on close.
    owner, project : str, optional
        Whose stacks are meant where a call does not say.
    public_url : str, optional
        Where browsers reach the service, for the addresses of pictures in pages; where *address* says unless given.
    profile : str, optional
        Name of a profile in the configuration file.
    auth : (str, str), BearerToken, TokenFile, Credentials, callable or False, optional
        Signs each request; False for none at all.
    retries : Retries or int, optional
        When a request that may be repeated is; a number for how often.
    timeout_s, data_timeout_s, budget_s : float, optional
        Seconds to wait for a connection (10), for each next piece of data (120), and for a request with all its
        attempts (900).
    answer_limit : int, optional
        Most bytes of one answer (4 GiB).
    pool_size : int, optional
        Connections kept open (16).
    pool_block : bool, optional
        Whether a request waits for a free connection when all are in use; else another one is opened.
    headers : mapping, optional
        Sent with every request; secrets are for *auth*.
    registry : Registry, optional
        Which classes stand for which kinds, beside those of the default registry.
    image_paths : mapping of str to str, optional
        Where images that are opened here lie: from the beginning of the service's paths to that of mine,
        ``{"/groups/": "/mnt/groups/"}``.
    remote_images : bool
        Whether images at ``http:``, ``https:``, ``s3:`` and the like may be opened here, through fsspec.

    Raises
    ------
    ConfigurationError
        If nothing says which service is meant, or its address is none.

    Notes
    -----
    What is not given, environment and profile say (`rendergateway.configuration`). Building one makes no request and
    opens nothing. One gateway may be used from any number of threads; it travels to other processes without sockets
    and secrets, and so does every object of it. A subclass keeps its class and its fields in what `using` makes and in
    other processes; `connect` is its hook.

    Examples
    --------
    >>> with Gateway("embedded:", owner="lab", project="cortex") as gateway:
    ...     stack = gateway.create_stack("montage")
    ...     print(stack.state)
    LOADING
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        owner: str | None = None,
        project: str | None = None,
        public_url: str | None = None,
        profile: str | None = None,
        auth: object = None,
        retries: Retries | int | None = None,
        timeout_s: float | None = None,
        data_timeout_s: float | None = None,
        budget_s: float | None = None,
        answer_limit: int | None = None,
        pool_size: int | None = None,
        pool_block: bool | None = None,
        headers: Mapping[str, str] | None = None,
        registry: Registry | None = None,
        image_paths: Mapping[str, str] | None = None,
        remote_images: bool = False,
    ) -> None:
        given = {
            "service": address,
            "owner": owner,
            "project": project,
            "public_url": public_url,
            "retries": retries,
            "timeout_s": timeout_s,
            "data_timeout_s": data_timeout_s,
            "budget_s": budget_s,
            "answer_limit": answer_limit,
            "pool_size": pool_size,
            "pool_block": pool_block,
        }
        configuration = configured(given, profile=profile)
        self.default_owner: str | None = configuration.get("owner")
        self.default_project: str | None = configuration.get("project")
        self.public_url: str | None = _public_url(configuration.get("public_url"))
        self._match_frames: dict[CollectionKey, str] = {}
        self.image_paths: dict[str, str] = dict(image_paths or {})
        self.remote_images = remote_images
        LivingObjects.__init__(self, registry)
        ServiceCalls.__init__(
            self,
            configuration.service,
            auth,
            Settings.of(headers=_headers(headers), **configuration.of_requests()),
            lambda base_url: _credentials(base_url, configuration),
        )

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """
        Return a gateway to the service that the environment names.

        Parameters
        ----------
        **options
            As the class takes them, but for an address.

        Raises
        ------
        ConfigurationError
            If the environment names none.
        """
        return cls(None, **options)

    @classmethod
    def from_profile(cls, name: str, **options: Any) -> Self:
        """
        Return a gateway to the service of a profile in the configuration file.

        Parameters
        ----------
        name : str
            The profile.
        **options
            As the class takes them; they count more than what the profile says.

        Raises
        ------
        ConfigurationError
            If there is no such profile.
        """
        return cls(profile=name, **options)

    def using(
        self,
        *,
        owner: str | None = None,
        project: str | None = None,
        auth: object = None,
        retries: Retries | int | None = None,
        timeout_s: float | None = None,
        data_timeout_s: float | None = None,
        budget_s: float | None = None,
        answer_limit: int | None = None,
    ) -> Self:
        """
        Return a second gateway to the same service that differs in what is given, and shares all else.

        It shares connections, hooks and registry; what is written through one makes what the other read old. Objects
        are its own, and equal to those of the first. It costs no request, and lives until either is closed.

        Parameters
        ----------
        owner, project : str, optional
            Whose stacks are meant where a call does not say.
        auth : object, optional
            Its own credentials, as the class takes them; it follows those of the first gateway unless given.
        retries, timeout_s, data_timeout_s, budget_s, answer_limit : optional
            As the class takes them.

        Examples
        --------
        >>> with Gateway("embedded:", owner="lab", project="cortex") as gateway:
        ...     tests = gateway.using(project="tests")
        ...     print(tests.create_stack("trial").project)
        tests
        """
        given = {
            "retries": retries,
            "timeout_s": timeout_s,
            "data_timeout_s": data_timeout_s,
            "budget_s": budget_s,
            "answer_limit": answer_limit,
        }
        context = self._context(auth, self.settings.with_given(**given))
        context.default_owner = owner or self.default_owner
        context.default_project = project or self.default_project
        context._begin_living()
        return context

    def __repr__(self) -> str:
        names = "/".join(filter(None, [self.default_owner, self.default_project]))
        return f"<{type(self).__name__} {self.server}{' ' + names if names else ''}>"

    # Other processes

    _STAYS = (*ServiceCalls._STAYS, *LivingObjects._STAYS)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._epochs = {}
        self._begin_living()

    def image(self, recipe: RenderParameters, **options: Any) -> Picture:
        """
        Draw a recipe, such as ``tile.render_parameters()`` gives.

        Parameters
        ----------
        recipe : RenderParameters
            All that is drawn, and how; it may name images of any stack, or of none.
        **options
            *dtype* and *render* as in `PictureOptions`; a service draws recipes in 8 bits only.

        Raises
        ------
        ImageError
            If the picture would have no pixels or too many, or cannot be drawn here.
        TypeError
            If something else is given: it stands in the recipe, which ``recipe.evolve(…)`` changes.
        ServiceError
            If the service refuses; its sentence names tile and file.

        Notes
        -----
        One request, ``recipe.png``; drawn here none.
        """
        from rendergateway.wrappers.images.render import image_of_recipe

        return image_of_recipe(self, recipe, options)

    @property
    def picture_base_url(self) -> str:
        """
        What addresses of pictures begin with.

        What ``public_url`` says, else the address of the service; of an embedded one, which has none, the path alone.
        """
        if self.public_url is not None:
            return self.public_url
        return urlsplit(self._base_url).path if self._is_embedded else self._base_url


add_aliases(Gateway, GATEWAY_ALIASES)
# A template must not close the gateway, nor call what may write.
for _method in (Gateway.call, Gateway.close, Gateway.fetch, Gateway.register, Gateway.request):
    changes_data(_method)


def _public_url(text: str | None) -> str | None:
    # A password in it is left out: the pages that it is written into are everybody's.
    return None if text is None else Address.parse(text).base_url


def _headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {"User-Agent": f"rendergateway/{__version__}", **(headers or {})}


def _credentials(base_url: str, configuration: Configuration) -> Credentials | None:
    from rendergateway.transport.credentials.stored import configured_credentials

    return configured_credentials(base_url, configuration)
