"""A cluster: an engine whose workers are on the nodes of Ray. Ray is loaded in a process of its own (`ray_driver`)."""

from robustpose.cluster.ray_cluster import Place as Place
from robustpose.cluster.ray_cluster import RayCluster as RayCluster
