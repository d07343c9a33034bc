#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "scenarios.h"

static int by(const void*a,const void*b){double x=*(const double*)a,y=*(const double*)b;return (x>y)-(x<y);}
struct res { double mean,max,pre,dec,sum,cov,w95,wid,bias; double covp,covd; size_t n,np,nd; const char*method; size_t low,miss; double gapcov; double rp,rd;};
static void eval(struct sim*s,size_t m,bool plain,bool part,struct res*R){
 size_t n,nr; const struct energy_mark*mk=sim_marks(s,&n); struct energy_reading*r=sim_readings(s,m,&nr);
 struct energy_channel ch=*sim_channel(s,m); (void)part;
 struct energy_query_value*out=ipw_calloc(n,sizeof*out); struct energy_value gap;
 struct energy_facts f={&ch,r,nr,mk,n,NULL,0};
 (plain?energy_attribute_plain:energy_attribute)(&f,out,&gap);
 memset(R,0,sizeof*R); double*e=ipw_calloc(n,sizeof*e),*ep=ipw_calloc(n,sizeof*e),*ed=ipw_calloc(n,sizeof*e); double got=0,want=0,us=0,up=0,ud=0;
 for(size_t i=0;i<n;i++){ 
  double T=sim_truth_j(s,mk[i].t_send,mk[i].t_end),P=sim_truth_j(s,mk[i].t_send,mk[i].t_first),D=T-P;
  struct energy_value*v=&out[i].total; R->method=v->method;
  if(v->status==ENERGY_MISSING||v->status==ENERGY_IMPLAUSIBLE){R->miss++;continue;}
  if(v->status==ENERGY_LOW_RESOLUTION)R->low++;
  double g=v->nj*1e-9,u=v->u_nj*1e-9; R->mean+=fabs(g-T)/T; R->max=fmax(R->max,fabs(g-T)/T); R->bias+=(g-T)/T; got+=g;want+=T; e[R->n++]=fabs(g-T); us+=u; R->cov+=fabs(g-T)<=2*u;
  v=&out[i].prefill; if(v->status!=ENERGY_MISSING){g=v->nj*1e-9;u=v->u_nj*1e-9;R->pre+=fabs(g-P)/P;R->covp+=fabs(g-P)<=2*u;up+=u;ep[R->np++]=fabs(g-P);}
  v=&out[i].decode; if(v->status!=ENERGY_MISSING){g=v->nj*1e-9;u=v->u_nj*1e-9;R->dec+=fabs(g-D)/D;R->covd+=fabs(g-D)<=2*u;ud+=u;ed[R->nd++]=fabs(g-D);}
 }
 qsort(e,R->n,8,by);qsort(ep,R->np,8,by);qsort(ed,R->nd,8,by);
 R->w95=R->n?e[(size_t)(.95*R->n)]:0; R->wid=2*us/R->n/R->w95; R->rp=R->np?2*up/R->np/ep[(size_t)(.95*R->np)]:0; R->rd=R->nd?2*ud/R->nd/ed[(size_t)(.95*R->nd)]:0;
 R->mean/=R->n;R->bias/=R->n;R->pre/=R->np;R->dec/=R->nd;R->cov/=R->n;R->covp/=R->np;R->covd/=R->nd;R->sum=(got-want)/want;
 free(out);free(e);free(ep);free(ed);
}
int main(int argc,char**argv){
 static const struct { const char*name; struct sim_load l; struct sim_meter m; } sc[]={
 {"rapl 3s",SCENARIO_CPU(.3,3,.3,1000),SCENARIO_RAPL},
 {"rapl .3s",SCENARIO_CPU(.05,.25,.15,1000),SCENARIO_RAPL},
 {"nvml100 3s",SCENARIO_GPU(.3,3,.3,1000),SCENARIO_NVML},
 {"nvml100 .3s",SCENARIO_GPU(.05,.25,.15,1000),SCENARIO_NVML},
 {"nvml100 20s",SCENARIO_GPU(1.5,20,.5,1000),SCENARIO_NVML},
 {"nvml20 3s",SCENARIO_GPU(.3,3,.3,1000),{.id="n20",.kind=ENERGY_KIND_COUNTER,.period_ns=20*SIM_MS,.jitter_ns=500000,.unit_nj=1e6,.latency_ns=30000,.period_unknown=true}},
 {"nvml20 .3s",SCENARIO_GPU(.05,.25,.15,1000),{.id="n20",.kind=ENERGY_KIND_COUNTER,.period_ns=20*SIM_MS,.jitter_ns=500000,.unit_nj=1e6,.latency_ns=30000,.period_unknown=true}},
 {"part 3s",SCENARIO_GPU(.3,3,.3,1000),{.id="pt",.kind=ENERGY_KIND_COUNTER,.period_ns=100*SIM_MS,.jitter_ns=SIM_MS,.seen_ns=25*SIM_MS,.unit_nj=1e6,.latency_ns=30000,.period_unknown=true}},
 {"part .3s",SCENARIO_GPU(.05,.25,.15,1000),{.id="pt",.kind=ENERGY_KIND_COUNTER,.period_ns=100*SIM_MS,.jitter_ns=SIM_MS,.seen_ns=25*SIM_MS,.unit_nj=1e6,.latency_ns=30000,.period_unknown=true}},
 {"part 20s",SCENARIO_GPU(1.5,20,.5,1000),{.id="pt",.kind=ENERGY_KIND_COUNTER,.period_ns=100*SIM_MS,.jitter_ns=SIM_MS,.seen_ns=25*SIM_MS,.unit_nj=1e6,.latency_ns=30000,.period_unknown=true}},
 {"inst100/100 3s",SCENARIO_GPU(.3,3,.3,1000),SCENARIO_POWER(ENERGY_KIND_POWER_INST,100*SIM_MS)},
 {"inst25/100 3s",SCENARIO_GPU(.3,3,.3,1000),SCENARIO_POWER(ENERGY_KIND_POWER_INST,25*SIM_MS)},
 {"inst25/100 .3s",SCENARIO_GPU(.05,.25,.15,1000),SCENARIO_POWER(ENERGY_KIND_POWER_INST,25*SIM_MS)},
 {"avg 20s",SCENARIO_GPU(1.5,20,.5,1000),SCENARIO_POWER(ENERGY_KIND_POWER_AVG,1000*SIM_MS)},
 };
 for(size_t k=0;k<sizeof sc/sizeof*sc;k++){ if(argc>1&&!strstr(sc[k].name,argv[1]))continue;
  struct sim_scenario S={.seed=argc>2?strtoul(argv[2],0,10):1,.load=sc[k].l,.meter={sc[k].m}}; struct sim*s=sim_play(&S); size_t nr; sim_readings(s,0,&nr);
  for(int p=0;p<2;p++){struct res R;eval(s,0,p,0,&R); if(p&&!strcmp(R.method,"interpolate"))continue; printf("%-14s %-15s q %.3f%% max %.2f pre %.2f dec %.2f sum %+.3f bias %+.2f | cov %.3f w %.2f | pre %.3f %.2f (%zu) dec %.3f %.2f (%zu) low %zu miss %zu wakes %.1f nr %zu\n",sc[k].name,R.method,100*R.mean,100*R.max,100*R.pre,100*R.dec,100*R.sum,100*R.bias,R.cov,R.wid,R.covp,R.rp,R.np,R.covd,R.rd,R.nd,R.low,R.miss,sim_wakes(s),nr);}
  sim_free(s);
 }
}
