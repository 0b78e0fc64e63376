"""Fine-tuning within a viewer: the steps of Adam, without what `torch.optim.Adam` brings along."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim.adam import adam

from .rate import rate_at

_BETAS, _EPS, _LARGEST_GRADIENT = (0.9, 0.99), 1e-8, 5.0


class Descent:
    """Steps of Adam (Kingma and Ba, ICLR 2015) at a rate that rises and falls, with gradients that are clipped.

    The class of torch does the same, but imports torch's compiler and with it triton, if that is there. In a process
    in which Mesa draws, as napari does on most Linux desktops, triton's LLVM meets that of Mesa, and the viewer dies.
    The function behind the class needs neither.

    Parameters
    ----------
    parameters : iterable of Parameter
        What is trained.
    learning_rate : float
        At its highest.
    warm_up : int
        Steps over which it rises.
    steps : int
        Of the whole run, at whose end the rate is 0.
    """

    def __init__(self, parameters: Iterable[Parameter], learning_rate: float, warm_up: int, steps: int) -> None:
        self._parameters: list[Tensor] = list(parameters)
        self._learning_rate, self._warm_up, self._steps = learning_rate, warm_up, steps
        self._means = [torch.zeros_like(one) for one in self._parameters]
        self._squares = [torch.zeros_like(one) for one in self._parameters]
        self._counts = [torch.zeros(()) for _ in self._parameters]

    def step(self, loss: Tensor, number: int) -> None:
        """Go one step down.

        Parameters
        ----------
        loss : Tensor
            A number that depends on all of the parameters.
        number : int
            Which step it is, from 1.
        """
        for one in self._parameters:
            one.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._parameters, _LARGEST_GRADIENT)
        gradients = [torch.zeros_like(one) if one.grad is None else one.grad for one in self._parameters]
        with torch.no_grad():
            adam(
                self._parameters,
                gradients,
                self._means,
                self._squares,
                [],
                self._counts,
                amsgrad=False,
                beta1=_BETAS[0],
                beta2=_BETAS[1],
                lr=self._learning_rate * rate_at(number, number / self._steps, self._warm_up),
                weight_decay=0.0,
                eps=_EPS,
                maximize=False,
            )
