"""The features of many frames at once, as one compiled graph of Keras 3: TensorFlow, JAX or PyTorch, CPU or GPU.

The modules of the graph import nothing but NumPy, Keras and `camsortxs.features.sizes`; only `featurizer` needs more.
"""
