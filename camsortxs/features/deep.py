"""Method 8: deeper convolutional networks trained in domain, each narrowed as its name says.

Sources: A. Howard et al., arXiv:1704.04861 (MobileNet, width 0.25); M. Sandler et al., CVPR 2018 (MobileNetV2, width
0.35); A. Howard et al., ICCV 2019 (MobileNetV3-Small, width 0.75); M. Tan and Q. Le, ICML 2021 (EfficientNetV2-B0,
width 0.25); G. Huang et al., CVPR 2017 (DenseNet, 21 layers); K. He et al., ECCV 2016 (ResNet50V2, width 0.25).
"""

import numpy as np
import numpy.typing as npt

from camsortxs.features.embedding import Embedding, seen
from camsortxs.features.standard import Standard

FAMILIES = (
    "mobilenet_025",
    "mobilenet_v2_035",
    "mobilenet_v3_small_075",
    "efficientnet_v2_b0_025",
    "densenet21",
    "resnet50_v2_025",
)
NUMBERS = 64
COLUMNS = tuple(f"e{i:02d}" for i in range(NUMBERS))


def embedded(standard: Standard, embedding: Embedding) -> npt.NDArray[np.float32]:
    """Return the mean of each channel of the last convolutional map (64,)."""
    return seen(standard, embedding).numbers
