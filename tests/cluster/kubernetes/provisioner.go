// A dynamic provisioner of `local` volumes on the one node.
//
// Kubernetes' own hostPath volumes ignore fsGroup, so a process that is not root cannot write to them; `local`
// volumes honour it, as real storage does, but nothing in Kubernetes creates them on demand. This does: a
// directory per claim, removed with its contents once the claim is gone.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

const (
	provisionerName         = "kubectl-kafka.test/local"
	selectedNodeAnnotation  = "volume.kubernetes.io/selected-node"
	provisionedByAnnotation = "pv.kubernetes.io/provisioned-by"

	// The first retry is quick because most failures are races with the scheduler; the last is slow enough
	// that a claim nobody can satisfy costs nothing.
	firstRetry = 200 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// What the queue holds: exactly one of the two is set.
type work struct {
	claim  cache.ObjectName
	volume string
}

type provisioner struct {
	client  kubernetes.Interface
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
	classes storagelisters.StorageClassLister
	events  record.EventRecorder
	queue   workqueue.TypedRateLimitingInterface[work]
	root    string
	node    string
}

func newProvisionerCommand() *cobra.Command {
	var kubeconfig, root, node string
	command := &cobra.Command{
		Use:          "provisioner",
		Short:        "Create local volumes on demand",
		SilenceUsage: true,
		RunE: func(command *cobra.Command, _ []string) error {
			config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return err
			}
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				return err
			}
			return runProvisioner(command.Context(), client, root, node)
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "path to the kubeconfig")
	command.Flags().StringVar(&root, "directory", "", "directory that holds a directory per volume")
	command.Flags().StringVar(&node, "node", "", "name of the node the directory is on")
	for _, name := range []string{"kubeconfig", "directory", "node"} {
		if err := command.MarkFlagRequired(name); err != nil {
			panic(err)
		}
	}
	return command
}

func runProvisioner(ctx context.Context, client kubernetes.Interface, root, node string) error {
	if ctx == nil {
		ctx = context.Background()
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	claims := factory.Core().V1().PersistentVolumeClaims()
	volumes := factory.Core().V1().PersistentVolumes()

	broadcaster := record.NewBroadcaster()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})

	p := &provisioner{
		client:  client,
		claims:  claims.Lister(),
		volumes: volumes.Lister(),
		classes: factory.Storage().V1().StorageClasses().Lister(),
		events:  broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: provisionerName}),
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[work](firstRetry, lastRetry)),
		root: root,
		node: node,
	}
	if err := p.watch(claims.Informer(), volumes.Informer()); err != nil {
		return err
	}

	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	klog.InfoS("provisioning", "directory", root, "node", node)
	wait.UntilWithContext(ctx, p.worker, time.Second)
	return nil
}

func (p *provisioner) watch(claims, volumes cache.SharedIndexInformer) error {
	claimChanged := func(object any) {
		if name, err := cache.DeletionHandlingObjectToName(object); err == nil {
			p.queue.Add(work{claim: name})
		}
	}
	volumeChanged := func(object any) {
		if name, err := cache.DeletionHandlingObjectToName(object); err == nil {
			p.queue.Add(work{volume: name.Name})
		}
	}
	// A volume that was deleted by hand, before its claim, never becomes Released: its directory goes here.
	volumeDeleted := func(object any) {
		if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = tombstone.Obj
		}
		if volume, ok := object.(*corev1.PersistentVolume); ok && p.reclaims(volume) {
			if err := p.removeDirectory(volume); err != nil {
				klog.ErrorS(err, "cannot remove the directory of a deleted volume", "volume", volume.Name)
			}
		}
	}
	_, claimsErr := claims.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    claimChanged,
		UpdateFunc: func(_, object any) { claimChanged(object) },
	})
	_, volumesErr := volumes.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    volumeChanged,
		UpdateFunc: func(_, object any) { volumeChanged(object) },
		DeleteFunc: volumeDeleted,
	})
	return errors.Join(claimsErr, volumesErr)
}

func (p *provisioner) worker(ctx context.Context) {
	for {
		item, stopped := p.queue.Get()
		if stopped {
			return
		}
		var err error
		if item.volume != "" {
			err = p.reclaim(ctx, item.volume)
		} else {
			err = p.provision(ctx, item.claim)
		}
		if err != nil {
			klog.ErrorS(err, "will be tried again", "claim", item.claim.String(), "volume", item.volume)
			p.queue.AddRateLimited(item)
		} else {
			p.queue.Forget(item)
		}
		p.queue.Done(item)
	}
}

// Creates the volume of a claim that waits for one.
func (p *provisioner) provision(ctx context.Context, name cache.ObjectName) error {
	claim, err := p.claims.PersistentVolumeClaims(name.Namespace).Get(name.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil || claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil || claim.Spec.StorageClassName == nil {
		return err
	}
	class, err := p.classes.Get(*claim.Spec.StorageClassName)
	if err != nil || class.Provisioner != provisionerName {
		// The controller manager reports a class that does not exist.
		return nil
	}
	waits := class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
	node := claim.Annotations[selectedNodeAnnotation]
	if node == "" {
		if waits {
			return nil
		}
		node = p.node
	}

	volume, err := p.volumeFor(claim, class, node)
	if err == nil {
		err = os.MkdirAll(volume.Spec.Local.Path, 0o755)
	}
	if err == nil {
		_, err = p.client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
	}
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	if err != nil {
		p.events.Eventf(claim, corev1.EventTypeWarning, "ProvisioningFailed",
			"failed to provision volume with StorageClass %q: %v", class.Name, err)
		return err
	}
	p.events.Eventf(claim, corev1.EventTypeNormal, "ProvisioningSucceeded", "Successfully provisioned volume %s", volume.Name)
	return nil
}

// The volume that satisfies a claim, or why no local volume can.
func (p *provisioner) volumeFor(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass, node string) (*corev1.PersistentVolume, error) {
	switch {
	case node != p.node:
		return nil, fmt.Errorf("no volumes on node %q", node)
	case claim.Spec.VolumeMode != nil && *claim.Spec.VolumeMode != corev1.PersistentVolumeFilesystem:
		return nil, fmt.Errorf("volume mode %s is not supported", *claim.Spec.VolumeMode)
	case claim.Spec.Selector != nil:
		return nil, errors.New("claims with a selector are not supported")
	case claim.Spec.DataSource != nil || claim.Spec.DataSourceRef != nil:
		return nil, errors.New("claims with a data source are not supported")
	}
	for _, mode := range claim.Spec.AccessModes {
		if mode != corev1.ReadWriteOnce && mode != corev1.ReadWriteOncePod {
			return nil, fmt.Errorf("access mode %s is not supported", mode)
		}
	}

	// The name is made of the claim's uid, so a second attempt finds what the first one left.
	name := "pvc-" + string(claim.UID)
	reclaimPolicy := corev1.PersistentVolumeReclaimDelete
	if class.ReclaimPolicy != nil {
		reclaimPolicy = *class.ReclaimPolicy
	}
	mode := corev1.PersistentVolumeFilesystem
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Annotations: map[string]string{provisionedByAnnotation: provisionerName},
		},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			AccessModes:                   claim.Spec.AccessModes,
			PersistentVolumeReclaimPolicy: reclaimPolicy,
			StorageClassName:              class.Name,
			VolumeMode:                    &mode,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID, ResourceVersion: claim.ResourceVersion,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				Local: &corev1.LocalVolumeSource{Path: filepath.Join(p.root, name)},
			},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{
					{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{node}},
				}}},
			}},
		},
	}, nil
}

// Removes a volume, and its data, once its claim is gone.
func (p *provisioner) reclaim(ctx context.Context, name string) error {
	volume, err := p.volumes.Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil || volume.Status.Phase != corev1.VolumeReleased || !p.reclaims(volume) {
		return err
	}
	if err := p.removeDirectory(volume); err != nil {
		p.events.Eventf(volume, corev1.EventTypeWarning, "VolumeFailedDelete", "%v", err)
		return err
	}
	err = p.client.CoreV1().PersistentVolumes().Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func (p *provisioner) reclaims(volume *corev1.PersistentVolume) bool {
	return volume.Annotations[provisionedByAnnotation] == provisionerName &&
		volume.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete
}

// The path comes from the volume's name, never from its spec, which anyone may have written.
func (p *provisioner) removeDirectory(volume *corev1.PersistentVolume) error {
	return os.RemoveAll(filepath.Join(p.root, filepath.Base(volume.Name)))
}
